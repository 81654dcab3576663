"""What the dashboards show: `model` says what a dashboard is made of, the others say what is on each."""
