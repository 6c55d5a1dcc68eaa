"""SD upscale: a picture is enlarged and then drawn anew, tile by tile."""
