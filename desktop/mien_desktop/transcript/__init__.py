"""What is said, word by word, coloured by what the words did to the score; follows the playhead."""
