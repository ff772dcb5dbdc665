"""The lesson: eight steps, each a view of the app with a question, a prediction and the program's answer."""
