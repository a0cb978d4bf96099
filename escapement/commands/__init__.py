"""One file per group of commands; rooms are imported inside the functions, so that --help stays fast."""
