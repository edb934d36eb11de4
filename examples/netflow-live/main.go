// Command netflow-live judges the NetFlow and IPFIX that routers send, as it comes in over UDP or out of a capture.
//
//	go run . --listen :2055
//	go run . --pcap export.pcap
//
// The packets are decoded by github.com/netsampler/goflow2; package netflow makes flows of their records, and package
// detect judges the flows. Verdicts are printed as NDJSON. A flow comes out when the exporters' own time is 10 minutes
// past its end, and all of them at the end, also of a run that is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"threatdetect/features"
	"threatdetect/inference/detect"
)

func main() {
	log.SetFlags(0)
	bundle := flag.String("bundle", "../../testdata/demo/model.tar.gz", "bundle of model and contract")
	listen := flag.String("listen", "", "UDP address to receive NetFlow v5, v9 and IPFIX on, such as :2055")
	pcap := flag.String("pcap", "", "capture to read packets from instead (libpcap format, Ethernet or raw IP); - is standard input")
	all := flag.Bool("all", false, "print every verdict, not only threats")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var packets iter.Seq2[packet, error]
	switch {
	case *listen != "" && *pcap == "":
		conn, err := net.ListenPacket("udp", *listen)
		if err != nil {
			log.Fatal(err)
		}
		log.Printf("listening on %s", conn.LocalAddr())
		packets = received(ctx, conn)
	case *pcap == "-":
		packets = captured(os.Stdin)
	case *pcap != "" && *listen == "":
		f, err := os.Open(*pcap)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		packets = captured(f)
	default:
		log.Fatal("want --listen ADDRESS or --pcap FILE")
	}
	c := newCollector()
	err := judge(*bundle, c.flows(packets), *all, os.Stdout)
	log.Print(&c.stats)
	if err != nil {
		log.Fatal(err)
	}
}

// judge prints the verdicts on flows.
func judge(bundle string, flows iter.Seq2[*features.Flow, error], all bool, out io.Writer) error {
	detector, err := detect.Open(bundle, nil)
	if err != nil {
		return err
	}
	w, err := detect.NewWriter(out, detect.NDJSON, detector)
	if err != nil {
		return err
	}
	for verdict, err := range detector.Stream().Verdicts(flows) {
		if err != nil {
			w.Close()
			return err
		}
		if !verdict.Threat && !all {
			continue
		}
		if err := w.Write(verdict); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return w.Close()
}

// packet is the payload of a UDP packet. It is valid until the next one.
type packet struct {
	from    netip.Addr
	time    time.Time
	payload []byte
}

// received are the packets that come in until ctx is done.
func received(ctx context.Context, conn net.PacketConn) iter.Seq2[packet, error] {
	return func(yield func(packet, error) bool) {
		defer conn.Close()
		stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
		buffer := make([]byte, 1<<16)
		for {
			n, from, err := conn.ReadFrom(buffer)
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
				return
			case err != nil:
				yield(packet{}, fmt.Errorf("receive: %w", err))
				return
			}
			addr, err := netip.ParseAddrPort(from.String())
			if err != nil {
				continue
			}
			if !yield(packet{addr.Addr().Unmap().WithZone(""), time.Now(), buffer[:n]}, nil) {
				return
			}
		}
	}
}
