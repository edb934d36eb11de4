package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"net/netip"

	nf "github.com/netsampler/goflow2/v2/decoders/netflow"
	"github.com/netsampler/goflow2/v2/decoders/netflowlegacy"
	"github.com/netsampler/goflow2/v2/producer"
	protoproducer "github.com/netsampler/goflow2/v2/producer/proto"

	"threatdetect/features"
	"threatdetect/features/netflow"
)

// Bounds of what senders, who may be anybody, can make the collector remember.
const (
	maxExporters = 1024
	maxTemplates = 4096 // of one exporter
)

// stats count what came in.
type stats struct {
	packets, records, flows          int
	damaged, noTemplate, unaddressed int
}

func (s *stats) String() string {
	return fmt.Sprintf("%d packets, %d records, %d flows; dropped: %d damaged packets, %d packets before their template, %d records without addresses",
		s.packets, s.records, s.flows, s.damaged, s.noTemplate, s.unaddressed)
}

// collector makes flows of packets. It has one owner.
type collector struct {
	exporters map[netip.Addr]*exporter
	stats     stats
}

// exporter is what is known of a sender.
type exporter struct {
	templates nf.NetFlowTemplateSystem
	sampling  protoproducer.SamplingRateSystem
	name      string
}

func newCollector() *collector { return &collector{exporters: map[netip.Addr]*exporter{}} }

// flows are those of all packets, and the error that ended them.
func (c *collector) flows(packets iter.Seq2[packet, error]) iter.Seq2[*features.Flow, error] {
	return func(yield func(*features.Flow, error) bool) {
		pairer := netflow.NewPairer(nil, func(f *features.Flow) bool {
			c.stats.flows++
			return yield(f, nil)
		})
		var end error
		for p, err := range packets {
			if err != nil {
				end = err
				break
			}
			c.stats.packets++
			for r := range c.records(p) {
				c.stats.records++
				if !pairer.Add(r) {
					return
				}
			}
		}
		if pairer.Flush() && end != nil {
			yield(nil, end)
		}
	}
}

// records are those of one packet.
func (c *collector) records(p packet) iter.Seq[*netflow.Record] {
	return func(yield func(*netflow.Record) bool) {
		e := c.exporter(p.from)
		if e == nil {
			c.stats.damaged++
			return
		}
		messages, err := e.decode(p.payload)
		switch {
		case errors.Is(err, nf.ErrorTemplateNotFound):
			c.stats.noTemplate++ // exporters send templates again and again; what is decoded is used
		case err != nil:
			c.stats.damaged++
		}
		for _, m := range messages {
			m, ok := m.(*protoproducer.ProtoProducerMessage)
			if !ok {
				continue
			}
			r, ok := e.record(m, p)
			if !ok {
				c.stats.unaddressed++
				continue
			}
			if !yield(r) {
				return
			}
		}
	}
}

func (c *collector) exporter(addr netip.Addr) *exporter {
	e := c.exporters[addr]
	if e == nil && len(c.exporters) < maxExporters {
		e = &exporter{&boundedTemplates{NetFlowTemplateSystem: nf.CreateTemplateSystem()}, protoproducer.CreateSamplingSystem(), addr.String()}
		c.exporters[addr] = e
	}
	return e
}

// boundedTemplates refuses more than so many templates.
type boundedTemplates struct {
	nf.NetFlowTemplateSystem
	n int
}

func (b *boundedTemplates) AddTemplate(version uint16, domain uint32, id uint16, template any) error {
	if least(template) == 0 {
		return errors.New("template of records without bytes") // of which any packet would hold endlessly many
	}
	if _, err := b.GetTemplate(version, domain, id); err != nil {
		if b.n >= maxTemplates {
			return errors.New("too many templates")
		}
		b.n++
	}
	return b.NetFlowTemplateSystem.AddTemplate(version, domain, id, template)
}

// least is how many bytes a record of the template has at least.
func least(template any) (n int) {
	var fields []nf.Field
	switch t := template.(type) {
	case nf.TemplateRecord:
		fields = t.Fields
	case nf.NFv9OptionsTemplateRecord:
		fields = append(append(fields, t.Scopes...), t.Options...)
	case nf.IPFIXOptionsTemplateRecord:
		fields = append(append(fields, t.Scopes...), t.Options...)
	}
	for _, f := range fields {
		if f.Length == 0xffff { // variable, with its length before it
			n++
		} else {
			n += int(f.Length)
		}
	}
	return n
}

// decode decodes a packet of any version.
func (e *exporter) decode(payload []byte) ([]producer.ProducerMessage, error) {
	if len(payload) < 2 {
		return nil, errors.New("too short")
	}
	b := bytes.NewBuffer(payload)
	switch version := binary.BigEndian.Uint16(payload); version {
	case 5:
		const header, record = 24, 48
		if len(payload) < header || len(payload) < header+record*int(binary.BigEndian.Uint16(payload[2:])) {
			return nil, errors.New("fewer records than it says")
		}
		var packet netflowlegacy.PacketNetFlowV5
		if err := netflowlegacy.DecodeMessageVersion(b, &packet); err != nil {
			return nil, err
		}
		return protoproducer.ProcessMessageNetFlowLegacy(&packet)
	case 9, 10:
		var v9 nf.NFv9Packet
		var ipfix nf.IPFIXPacket
		err := nf.DecodeMessageVersion(b, e.templates, &v9, &ipfix)
		if err != nil && !errors.Is(err, nf.ErrorTemplateNotFound) {
			return nil, err
		}
		messages, err2 := protoproducer.ProcessMessageNetFlowV9Config(&v9, e.sampling, nil)
		if version == 10 {
			messages, err2 = protoproducer.ProcessMessageIPFIXConfig(&ipfix, e.sampling, nil)
		}
		return messages, errors.Join(err, err2)
	default:
		return nil, fmt.Errorf("version %d", version)
	}
}

// record is what a decoded record says. It has none without addresses.
func (e *exporter) record(m *protoproducer.ProtoProducerMessage, p packet) (*netflow.Record, bool) {
	src, ok := netip.AddrFromSlice(m.SrcAddr)
	dst, ok2 := netip.AddrFromSlice(m.DstAddr)
	if !ok || !ok2 {
		return nil, false
	}
	r := &netflow.Record{Scope: e.name, Start: int64(m.TimeFlowStartNs), End: int64(m.TimeFlowEndNs), Src: src.Unmap(), Dst: dst.Unmap(),
		HasProto: true, Pkts: m.Packets, Bytes: m.Bytes, HasPkts: true, HasBytes: true, SamplingRate: uint32(min(m.SamplingRate, 1<<32-1))}
	if r.Start <= 0 || r.End < r.Start { // the template has no times
		r.Start, r.End, r.NoElapsed = p.time.UnixNano(), p.time.UnixNano(), true
	}
	if m.VlanId > 0 || m.SrcVlan > 0 { // 0 is also what the template does not have
		r.VLANTags, r.HasVLAN = 1, true
	}
	if more := m.IpFlags & 1; m.FragmentOffset > 0 || m.IpFlags > 0 {
		r.Fragmented, r.HasFragmented = m.FragmentOffset > 0 || more > 0, true
	}
	var ports bool
	r.Proto, ports = features.ProtoByNumber(uint8(m.Proto))
	r.ProtoName = r.Proto.String()
	if ports {
		r.SrcPort, r.DstPort, r.HasSrcPort, r.HasDstPort = uint16(m.SrcPort), uint16(m.DstPort), true, true
	}
	if r.Proto == features.ProtoTCP {
		r.Flags, r.FlagsKnown = features.TCPFlags(m.TcpFlags), features.AllFlags
	}
	return r, true
}
