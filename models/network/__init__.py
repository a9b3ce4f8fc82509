"""The 1-D Efficient U-Net (paper section 4.1 and appendix B)."""
