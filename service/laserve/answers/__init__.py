"""Which answer a text gives, and when two answers are the same.

Knows neither the engine nor HTTP. All of it stands what a hostile text or request asks of it.
"""
