"""Currencies by their codes (ISO 4217, and what is written in their place)."""

_CODES = """
USD EUR GBP JPY CNY RMB INR CHF CAD AUD NZD HKD SGD KRW TWD THB MXN BRL ZAR RUB SEK NOK DKK PLN
CZK HUF ILS IDR MYR VND AED SAR EGP NGN KES PKR BDT LKR ARS CLP UAH RON
"""
CODES = frozenset(_CODES.split())
