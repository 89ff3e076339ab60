"""The life of runs, whatever their task: trained after others, listed, swept, averaged, packed."""
