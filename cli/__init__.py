"""The commands of `reprise`, above everything else."""
