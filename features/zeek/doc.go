// Package zeek reads Zeek conn logs as a sequence of flow records.
//
// Both of Zeek's writers are read, the tab-separated one and JSON, of any version; the first byte that is no blank
// tells which. One record gives the same flow in both: columns are found by name, also under the names that other
// scope separators and the common renamings give them, and times are taken from their decimal text, to the microsecond.
// Seconds and milliseconds count from 1970, which is UTC; a time that is a date says its zone (Z or +02:00), or the record is skipped.
//
//	line ── tsv.go: split at the separator ──┐
//	  │                                      ├─> cells, one a column ── derive.go ──> features.Flow
//	  └──── json.go: scan the object ────────┘                              └──────> features.RecordError
//
// Rows of other logs (dns, http, ...) are counted as no flows: they have ReasonOther. What they say about a connection
// is joined to its flow if a [Joiner] is given. A log may be labelled, as those of IoT-23 are; see [Options].
package zeek
