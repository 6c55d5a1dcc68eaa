"""Detailer: what a detector finds in a finished picture is drawn anew at full size and put back."""
