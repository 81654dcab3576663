"""The composer: asks the three part services, assembles the postcard and keeps it."""
