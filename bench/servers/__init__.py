"""The processes that are measured beside ours, each as plain as its library's first page."""
