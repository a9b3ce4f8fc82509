"""The label report: one self-contained HTML page and the same figures as JSON.

`gather.gather_report` turns finished datasets into a `contents.LabelReport`; `page.render_page` and `json_report.report_json` show it.
"""
