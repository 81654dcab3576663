"""Making postcards: jobs, leases, recovery, and the events that watchers see."""
