"""The verdict in the tools that people use: a module for each, which needs its package."""
