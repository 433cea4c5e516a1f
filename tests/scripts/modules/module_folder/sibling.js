export const value = "sibling"
