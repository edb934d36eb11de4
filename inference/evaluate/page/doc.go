// Package page makes one HTML file of an evaluation: figures, plots, and the tables behind them.
//
// The file needs nothing but itself: no script runs in it, nothing is fetched, and its content security policy forbids
// both. Plots are inline SVG whose colours follow the reader's light or dark scheme; each has a title, a text that says
// what it shows, and its numbers in a table. Whatever comes from logs is escaped, and made printable first.
package page
