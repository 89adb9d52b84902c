"""Statistics and machine learning of the segmentation project; knows nothing of dbt."""
