"""Why a reading is what it is: which modality, which words, which seconds."""
