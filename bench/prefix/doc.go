// Package prefix compares how package features looks up the networks of a site with the routing table of gaissmai/bart.
package prefix
