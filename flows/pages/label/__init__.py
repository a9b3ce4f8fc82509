"""The label report: `gather` reads finished datasets into `contents.LabelReport`, `page` shows it as HTML and JSON, `stage` keeps both."""
