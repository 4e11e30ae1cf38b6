"""Search: what texts say, what a reader typed, and which posts and people that finds.

Texts become terms here and nowhere else, so every engine that keeps them finds the same:
:mod:`~microblog.domain.search.analysis` makes terms of a text,
:mod:`~microblog.domain.search.query` makes a query of what somebody typed. An engine keeps the
terms of each post and answers queries; the one inside the database keeps them
(:mod:`~microblog.domain.search.index`) in the transaction that writes the post.
"""
