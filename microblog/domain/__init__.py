"""The product: its verbs and questions.

A function here takes a database session first, never commits, and knows neither HTTP nor network.
"""
