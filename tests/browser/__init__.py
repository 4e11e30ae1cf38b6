"""The service as people see it: Chromium on one side, `microblog serve` on the other.

Every person has a browser profile of their own. Whatever a page complains about (a refused script, an
exception, a failed request) is written down and fails the test, unless the test foresaw it.
"""
