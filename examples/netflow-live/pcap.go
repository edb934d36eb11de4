package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/netip"
	"time"
)

// Link types of captures.
const (
	linkEthernet = 1
	linkRaw      = 101
)

const maxCaptured = 1 << 18 // bytes of a packet

// captured are the UDP packets of a capture in libpcap's format, of either byte order and resolution. Other packets and
// fragments are passed over.
func captured(r io.Reader) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		in := bufio.NewReader(r)
		var head [24]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			yield(packet{}, fmt.Errorf("capture: %w", err))
			return
		}
		var order binary.ByteOrder = binary.LittleEndian
		fraction := int64(1000) // nanoseconds
		switch binary.BigEndian.Uint32(head[:]) {
		case 0xa1b2c3d4:
			order = binary.BigEndian
		case 0xa1b23c4d:
			order, fraction = binary.BigEndian, 1
		case 0xd4c3b2a1:
		case 0x4d3cb2a1:
			fraction = 1
		default:
			yield(packet{}, errors.New("capture: not in libpcap's format"))
			return
		}
		link := order.Uint32(head[20:]) & 0xffff
		if link != linkEthernet && link != linkRaw {
			yield(packet{}, fmt.Errorf("capture: link type %d, want Ethernet or raw IP", link))
			return
		}
		buffer := make([]byte, 0, 1<<16)
		for {
			var h [16]byte
			if _, err := io.ReadFull(in, h[:]); err == io.EOF {
				return
			} else if err != nil {
				yield(packet{}, fmt.Errorf("capture: %w", err))
				return
			}
			n := order.Uint32(h[8:])
			if n > maxCaptured {
				yield(packet{}, fmt.Errorf("capture: a packet of %d bytes", n))
				return
			}
			if int(n) > cap(buffer) {
				buffer = make([]byte, n)
			}
			buffer = buffer[:n]
			if _, err := io.ReadFull(in, buffer); err != nil {
				yield(packet{}, fmt.Errorf("capture: %w", err))
				return
			}
			from, payload := udp(buffer, link)
			if payload == nil {
				continue
			}
			at := time.Unix(int64(order.Uint32(h[0:])), int64(order.Uint32(h[4:]))*fraction)
			if !yield(packet{from, at, payload}, nil) {
				return
			}
		}
	}
}

// udp returns the source and the payload of a frame that is a whole UDP packet.
func udp(b []byte, link uint32) (from netip.Addr, payload []byte) {
	if link == linkEthernet {
		if len(b) < 14 {
			return from, nil
		}
		kind := binary.BigEndian.Uint16(b[12:])
		b = b[14:]
		for kind == 0x8100 || kind == 0x88a8 { // VLAN tags
			if len(b) < 4 {
				return from, nil
			}
			kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		}
		if kind != 0x0800 && kind != 0x86dd {
			return from, nil
		}
	}
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		fragment := binary.BigEndian.Uint16(b[6:])&0x3fff != 0
		if b[9] != 17 || fragment || header < 20 || total > len(b) || total < header+8 {
			return from, nil
		}
		from = netip.AddrFrom4([4]byte(b[12:16]))
		b = b[header:total]
	case len(b) >= 48 && b[0]>>4 == 6:
		if b[6] != 17 {
			return from, nil
		}
		from = netip.AddrFrom16([16]byte(b[8:24]))
		b = b[40:]
	default:
		return from, nil
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n >= 8 && n <= len(b) {
		return from, b[8:n]
	}
	return from, nil
}
