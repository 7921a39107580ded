"""Azure Monitor's data planes: platform metrics and Log Analytics, filled by what the front doors served."""
