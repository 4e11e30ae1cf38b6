"""The names of tasks, and the states that they pass through."""

from microblog.i18n import marked

SEND_LETTER = "send_letter"
SWEEP = "sweep"
INDEX_POSTS = "index_posts"
EXPORT_POSTS = "export_posts"
IMPORT_POSTS = "import_posts"

# What a person's pages show of the tasks that they have begun.
DESCRIPTIONS = {
    EXPORT_POSTS: marked("Exporting posts..."),
    IMPORT_POSTS: marked("Importing posts..."),
}

WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
ACTIVE = (WAITING, RUNNING)
