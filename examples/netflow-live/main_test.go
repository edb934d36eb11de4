package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"iter"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"threatdetect/features"
)

// connection is what the packets of every version tell: a client asks a server, which answers.
var (
	client = [4]byte{10, 1, 2, 3}
	server = [4]byte{192, 0, 2, 7}
	export = time.Date(2024, 3, 4, 9, 0, 10, 0, time.UTC)
)

type direction struct {
	src, dst       [4]byte
	sport, dport   uint16
	packets, bytes uint32
	flags          uint8
}

var directions = []direction{{client, server, 51000, 443, 14, 2300, 0x1b}, {server, client, 443, 51000, 18, 21400, 0x1b}}

const (
	uptime = 100_000 // milliseconds; the flow is from 98,000 to 99,500
	first  = 98_000
	last   = 99_500
)

type builder struct{ bytes.Buffer }

func (b *builder) put(values ...any) *builder {
	for _, v := range values {
		if err := binary.Write(b, binary.BigEndian, v); err != nil {
			panic(err)
		}
	}
	return b
}

func v5() []byte {
	b := new(builder).put(uint16(5), uint16(len(directions)), uint32(uptime), uint32(export.Unix()), uint32(0), uint32(1), uint8(0), uint8(0), uint16(0))
	for _, d := range directions {
		b.put(d.src, d.dst, uint32(0), uint16(1), uint16(2), d.packets, d.bytes, uint32(first), uint32(last), d.sport, d.dport, uint8(0), d.flags, uint8(6), uint8(0),
			uint16(0), uint16(0), uint8(0), uint8(0), uint16(0))
	}
	return b.Bytes()
}

// fields are those of the templates: type and length.
var fields = [][2]uint16{{8, 4}, {12, 4}, {7, 2}, {11, 2}, {2, 4}, {1, 4}, {6, 1}, {4, 1}}

func template(id, set uint16, times [][2]uint16) []byte {
	all := append(append([][2]uint16(nil), fields...), times...)
	b := new(builder).put(set, uint16(4+4+4*len(all)), id, uint16(len(all)))
	for _, f := range all {
		b.put(f[0], f[1])
	}
	return b.Bytes()
}

func data(id uint16, times ...any) []byte {
	body := new(builder)
	for _, d := range directions {
		body.put(d.src, d.dst, d.sport, d.dport, d.packets, d.bytes, d.flags, uint8(6)).put(times...)
	}
	for body.Len()%4 != 0 {
		body.WriteByte(0)
	}
	return append(new(builder).put(id, uint16(4+body.Len())).Bytes(), body.Bytes()...)
}

func v9(sets ...[]byte) []byte {
	b := new(builder).put(uint16(9), uint16(len(sets)), uint32(uptime), uint32(export.Unix()), uint32(1), uint32(7))
	return append(b.Bytes(), bytes.Join(sets, nil)...)
}

func v9Template() []byte { return template(256, 0, [][2]uint16{{22, 4}, {21, 4}}) }
func v9Data() []byte     { return data(256, uint32(first), uint32(last)) }

func ipfix(sets ...[]byte) []byte {
	body := bytes.Join(sets, nil)
	b := new(builder).put(uint16(10), uint16(16+len(body)), uint32(export.Unix()), uint32(1), uint32(7))
	return append(b.Bytes(), body...)
}

func ipfixTemplate() []byte { return template(300, 2, [][2]uint16{{152, 8}, {153, 8}}) }

func ipfixData() []byte {
	at := uint64(export.UnixMilli())
	return data(300, at-uptime+first, at-uptime+last)
}

// check requires the one flow that every version tells.
func check(t *testing.T, flows []*features.Flow) {
	t.Helper()
	require.Len(t, flows, 1)
	f := flows[0]
	require.Equal(t, netip.AddrFrom4(client), f.Src)
	require.Equal(t, netip.AddrFrom4(server), f.Dst)
	require.Equal(t, []uint64{14, 18, 2300, 21400}, []uint64{f.FwdPkts, f.RevPkts, f.FwdBytes, f.RevBytes})
	require.Equal(t, []uint16{51000, 443}, []uint16{f.SrcPort, f.DstPort})
	require.Equal(t, features.StateClosed, f.State)
	require.Equal(t, export.Add(-2*time.Second).UnixNano(), f.Start)
	require.EqualValues(t, 1500*time.Millisecond, f.Duration)
}

func collect(t *testing.T, flows iter.Seq2[*features.Flow, error]) (out []*features.Flow) {
	t.Helper()
	for f, err := range flows {
		require.NoError(t, err)
		out = append(out, f.Clone())
	}
	return out
}

func of(payloads ...[]byte) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		for _, p := range payloads {
			if !yield(packet{netip.MustParseAddr("192.0.2.1"), export, p}, nil) {
				return
			}
		}
	}
}

func TestVersions(t *testing.T) {
	for name, payloads := range map[string][][]byte{
		"v5":                      {v5()},
		"v9":                      {v9(v9Template(), v9Data())},
		"v9, in two":              {v9(v9Template()), v9(v9Data())},
		"v9, template again":      {v9(v9Data()), v9(v9Template(), v9Data())},
		"IPFIX":                   {ipfix(ipfixTemplate(), ipfixData())},
		"IPFIX, damaged between":  {ipfix(ipfixTemplate()), {0, 10, 0xff}, {}, ipfix(ipfixData())},
		"v5, and what is no flow": {{0, 8, 1, 2}, v5()[:60], v5()},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector()
			check(t, collect(t, c.flows(of(payloads...))))
			require.Equal(t, len(payloads), c.stats.packets)
			require.Equal(t, 2, c.stats.records)
		})
	}
}

// TestLoopback sends packets of all versions over UDP and reads the verdict.
func TestLoopback(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	sender, err := net.Dial("udp", conn.LocalAddr().String())
	require.NoError(t, err)
	defer sender.Close()
	sent := [][]byte{v5(), v9(v9Template(), v9Data()), ipfix(ipfixTemplate(), ipfixData())}
	c := newCollector()
	var out bytes.Buffer
	done := make(chan error, 1)
	seen := make(chan struct{}, 100)
	go func() {
		packets := func(yield func(packet, error) bool) {
			for p, err := range received(ctx, conn) {
				if !yield(p, err) {
					return
				}
				seen <- struct{}{}
			}
		}
		done <- judge("../../testdata/demo/model.tar.gz", c.flows(packets), true, &out)
	}()
	for _, p := range sent {
		_, err := sender.Write(p)
		require.NoError(t, err)
		<-seen // loopback loses nothing that somebody waits for
	}
	stop()
	require.NoError(t, <-done)
	require.Equal(t, 3, c.stats.packets)
	var v struct {
		Src, Dst string
		DstPort  int `json:"dst_port"`
		Score    float64
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &v), "one verdict: all three are records of one exporter and one connection")
	require.Equal(t, "10.1.2.3 192.0.2.7 443", v.Src+" "+v.Dst+" "+"443")
	require.Equal(t, 443, v.DstPort)
}

func TestCapture(t *testing.T) {
	udpPacket := func(payload []byte) []byte {
		b := new(builder).put([12]byte{}, uint16(0x8100), uint16(5), uint16(0x0800),
			uint8(0x45), uint8(0), uint16(28+len(payload)), uint32(0), uint8(64), uint8(17), uint16(0), [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2},
			uint16(9999), uint16(2055), uint16(8+len(payload)), uint16(0))
		return append(b.Bytes(), payload...)
	}
	var file bytes.Buffer
	head := []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(65535), uint32(linkEthernet)}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		file.Reset()
		for _, v := range head {
			require.NoError(t, binary.Write(&file, order, v))
		}
		for _, p := range [][]byte{udpPacket(ipfix(ipfixTemplate())), {1, 2, 3}, udpPacket(ipfix(ipfixData()))} {
			require.NoError(t, binary.Write(&file, order, []uint32{uint32(export.Unix()), 0, uint32(len(p)), uint32(len(p))}))
			file.Write(p)
		}
		check(t, collect(t, newCollector().flows(captured(bytes.NewReader(file.Bytes())))))
	}
	whole := file.Bytes()
	var last error
	for _, err := range newCollector().flows(captured(bytes.NewReader(whole[:len(whole)-5]))) {
		last = err
	}
	require.ErrorContains(t, last, "capture: unexpected EOF")
	for _, bad := range [][]byte{{}, []byte("not a capture of any kind at all"), whole[:30]} {
		for _, err := range captured(bytes.NewReader(bad)) {
			require.Error(t, err)
		}
	}
}

// TestBounded is a flood of templates, and one of exporters.
func TestBounded(t *testing.T) {
	c := newCollector()
	n := 0
	for range c.flows(func(yield func(packet, error) bool) {
		for i := range 3 * maxExporters {
			from := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			if !yield(packet{from, export, ipfix(ipfixTemplate())}, nil) {
				return
			}
		}
		for id := range uint16(3 * maxTemplates) {
			if !yield(packet{netip.AddrFrom4([4]byte{10, 0, 0, 0}), export, ipfix(template(256+id, 2, nil))}, nil) {
				return
			}
		}
		yield(packet{}, errors.New("end"))
	}) {
		n++
	}
	require.Equal(t, 1, n, "the error alone")
	require.Len(t, c.exporters, maxExporters)
	require.LessOrEqual(t, len(c.exporters[netip.AddrFrom4([4]byte{10, 0, 0, 0})].templates.GetTemplates()), maxTemplates)
}

// TestEmptyRecords has templates of records without bytes: any packet would hold endlessly many of them.
func TestEmptyRecords(t *testing.T) {
	for _, set := range [][]byte{
		new(builder).put(uint16(2), uint16(12), uint16(300), uint16(1), uint16(8), uint16(0)).Bytes(),
		new(builder).put(uint16(2), uint16(8), uint16(300), uint16(0)).Bytes(),
	} {
		c := newCollector()
		require.Empty(t, collect(t, c.flows(of(ipfix(set), ipfix(ipfixData())))))
		require.Equal(t, 2, c.stats.damaged+c.stats.noTemplate)
	}
}

// TestDamaged changes bytes of packets: whatever is in them, there is no panic, and no record that the bytes do not hold.
func TestDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	packets := [][]byte{v5(), v9(v9Template(), v9Data()), ipfix(ipfixTemplate(), ipfixData())}
	decoded := 0
	for range 10_000 {
		bad := bytes.Clone(packets[rng.IntN(len(packets))])
		for range 1 + rng.IntN(4) {
			bad[rng.IntN(len(bad))] = byte(rng.IntN(256))
		}
		bad = bad[:len(bad)-rng.IntN(len(bad))*rng.IntN(2)]
		c := newCollector()
		for range c.flows(of(bad, bad)) {
		}
		require.LessOrEqual(t, c.stats.records, 2*len(bad))
		decoded += c.stats.records
	}
	require.Positive(t, decoded)
}
