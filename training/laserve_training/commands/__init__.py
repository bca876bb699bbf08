"""The commands of `laserve-train`, a file each."""
