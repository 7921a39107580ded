"""What going back would do to each row, said before anything is changed."""
