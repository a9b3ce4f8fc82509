"""What a clip, a caption and a label are: plain functions over Arrow tables, numpy and torch. No Beam, no Prefect."""
