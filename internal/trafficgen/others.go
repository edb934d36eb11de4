package trafficgen

import "strconv"

// otherRows writes the rows that dns.log has about r, which comes next. In TSV
// they have a header of their own, and a header of conn.log follows.
func (w *Writer) otherRows(r *Record) {
	if w.opts.Format == EVE {
		return // see events
	}
	if w.opts.Format == TSV {
		w.preamble("dns", r.TS)
		w.newline()
		w.put("#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\tquery\tqtype_name\trcode_name")
		w.newline()
		w.put("#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tcount\tstring\tstring\tstring")
	}
	for range w.rnd.between(1, 3) {
		w.newline()
		id := w.rnd.u64() & 0xffff
		if w.opts.Format == TSV {
			w.scratch = appendDNSRow(w.scratch[:0], r, id)
		} else {
			w.scratch = appendDNSObject(w.scratch[:0], r, id)
		}
		w.bad(w.scratch, Other)
	}
	if w.opts.Format == TSV {
		w.header(w.now)
	}
}

const exampleName = "www.example.com"

func appendDNSRow(b []byte, r *Record, id uint64) []byte {
	b = append(appendSeconds(b, r.TS), '\t')
	b = append(r.UID.AppendTo(b), '\t')
	b = append(r.OrigH.AppendTo(b), '\t')
	b = append(strconv.AppendUint(b, uint64(r.OrigP), 10), '\t')
	b = append(r.RespH.AppendTo(b), '\t')
	b = append(strconv.AppendUint(b, uint64(r.RespP), 10), '\t')
	b = append(append(b, r.Proto.String()...), '\t')
	b = append(strconv.AppendUint(b, id, 10), '\t')
	return append(b, exampleName+"\tA\tNOERROR"...)
}

func appendDNSObject(b []byte, r *Record, id uint64) []byte {
	b = append(b, `{"_path":"dns","ts":`...)
	b = appendDecimal(b, r.TS)
	b = append(b, `,"uid":"`...)
	b = append(r.UID.AppendTo(b), '"')
	b = appendEndpoint(b, 0, colOrigH, r.OrigH, r.OrigP)
	b = appendEndpoint(b, 0, colRespH, r.RespH, r.RespP)
	b = append(b, `,"proto":"`...)
	b = append(b, r.Proto.String()...)
	b = appendCount(b, `","trans_id":`, id)
	return append(b, `,"query":"`+exampleName+`","qtype_name":"A","rcode_name":"NOERROR"}`...)
}
