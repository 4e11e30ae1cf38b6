"""`python -m microblog` is `microblog`."""

from microblog.cli import main

if __name__ == "__main__":
    main(prog_name="microblog")
