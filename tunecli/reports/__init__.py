"""From a study to something to look at: figures first (`data`), drawings second (`tables`, `live`)."""
