"""What a saved network is, in torch: a UNet over patches or their bands, whose class table may be mixed."""
