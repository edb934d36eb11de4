package main

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette has a colour for each engine after ours, which readers with weak colour sight tell apart, too.
var palette = []color.RGBA{
	{0x00, 0x72, 0xb2, 255}, {0x56, 0xb4, 0xe9, 255}, {0x00, 0x9e, 0x73, 255}, {0xe6, 0x9f, 0x00, 255},
	{0xcc, 0x79, 0xa7, 255}, {0x99, 0x66, 0x33, 255}, {0x80, 0x80, 0x80, 255},
}

// ticks are the batch sizes, or powers of ten.
type ticks struct{ at []float64 }

func (t ticks) Ticks(low, high float64) []plot.Tick {
	var all []plot.Tick
	for _, x := range t.at {
		if x >= low*0.999 && x <= high*1.001 {
			all = append(all, plot.Tick{Value: x, Label: short(x)})
		}
	}
	return all
}

// short writes 4096 as 4096 and 2e6 as 2M.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return strconv.FormatFloat(x/1e6, 'g', 3, 64) + "M"
	case x >= 1e4:
		return strconv.FormatFloat(x/1e3, 'g', 3, 64) + "k"
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

// plot writes rows per second against batch size, both logarithmic, as SVG.
func (res *results) plot(model, path string) error {
	p := plot.New()
	p.Title.Text = "Model " + model + ": " + spec(model).Shape + " - one thread"
	p.X.Label.Text, p.Y.Label.Text = "rows in a call", "rows per second"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	var xs, ys []float64
	for _, n := range res.sizes(model) {
		xs = append(xs, float64(n))
	}
	for y := 1.0; y < 1e12; y *= 10 {
		ys = append(ys, y)
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{xs}, ticks{ys}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xdd}, color.Gray{0xdd}
	p.Add(grid)
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PyramidGlyph{}}
	for i, name := range res.Engines {
		e := engineNamed(name)
		var points plotter.XYs
		for _, n := range res.sizes(model) {
			if ns := res.ns(model, name, n); ns > 0 {
				points = append(points, plotter.XY{X: float64(n), Y: 1e9 / ns})
			}
		}
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.2)
		if e.Ours {
			line.Color, line.Width = color.RGBA{0xd5, 0x1e, 0x1e, 255}, vg.Points(2.5)
		}
		if e.Own || name == puregoName {
			line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
		}
		dots.Color, dots.Radius, dots.Shape = line.Color, vg.Points(2.5), shapes[i%len(shapes)]
		p.Add(line, dots)
		p.Legend.Add(e.plain(), line, dots)
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Y.Min /= 1.5
	p.Legend.XOffs = vg.Points(8)
	return p.Save(9*vg.Inch, 6*vg.Inch, path)
}
