"""A page on this machine, and the same for programs: pictures in, maps out. Needs Gradio."""
