"""What the service and the training share: the score, its parameters, the checkpoint manifest.

Imports neither torch nor vLLM: the standard library and pydantic only.
"""
