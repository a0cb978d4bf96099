"""The chain: request, policy, manifest, delays, folding and bundle; `ivc.verify` is the stranger's check."""
