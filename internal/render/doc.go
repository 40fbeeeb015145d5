// Package render turns diagnostics, plans, reports, inventories and events into
// text, JSON, YAML, Markdown, JUnit and HTML.
//
// Every function takes a value and an io.Writer and writes one whole document
// in a single Write, so that a reader never sees half of one. The same value
// gives the same bytes: there is no clock, terminal, environment or map order
// in here. Who calls decides on colour and width and passes them in a Style.
//
// Names and messages come from fleet files and from servers, so none of them is
// trusted: control characters are shown escaped in text, and every other format
// escapes what it must. Colour never carries information alone.
package render
