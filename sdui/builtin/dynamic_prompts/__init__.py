"""Dynamic prompts: {red|blue} and __wildcards__ become words, others for each picture."""
