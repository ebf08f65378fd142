"""What does a person see? The Gradio page; pure views of one `Result`."""
