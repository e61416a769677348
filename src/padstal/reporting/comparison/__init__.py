"""What a pull request changed: two revisions read, compared, and shown as a comment with plots and sounds."""
