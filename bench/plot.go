package main

import (
	"cmp"
	"errors"
	"image/color"
	"os"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
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

// plot writes rows per second against batch size, both logarithmic, as SVG. The legend has the fastest at the top.
func (res *results) plot(model, path string) error {
	p := plot.New()
	p.Title.Text = "Model " + model + ": " + spec(model).Shape + "; one thread"
	p.Title.Padding = vg.Points(8)
	p.X.Label.Text, p.Y.Label.Text = "rows in a call", "rows per second"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	var xs, ys []float64
	for _, n := range res.sizes(model) {
		xs = append(xs, float64(n))
	}
	for y := 1.0; y < 1e12; y *= 10 {
		ys = append(ys, y, 3*y)
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{xs}, ticks{ys}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xdd}, color.Gray{0xdd}
	p.Add(grid)
	legend := plot.NewLegend()
	legend.Top, legend.Left, legend.Padding = true, true, vg.Points(3)
	for _, name := range res.fastestFirst(model) {
		line, dots, err := res.line(model, name)
		if err != nil {
			return err
		}
		p.Add(line, dots)
		legend.Add(engineNamed(name).plain(), line, dots)
	}

	canvas := vgsvg.New(11.5*vg.Inch, 6*vg.Inch)
	whole := draw.New(canvas)
	whole.SetColor(color.White)
	whole.Fill(whole.Rectangle.Path())
	const right = 3.4 * vg.Inch
	p.Draw(draw.Crop(whole, vg.Points(6), -right, vg.Points(6), -vg.Points(6)))
	legend.Draw(draw.Crop(whole, whole.Max.X-right+vg.Points(12), 0, 0, -vg.Points(30)))
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// fastestFirst orders the engines that were timed, less our forced kernels, by their time at 1000 rows, or at the largest batch that there is.
func (res *results) fastestFirst(model string) []string {
	at := func(name string) float64 {
		sizes := res.sizes(model)
		if slices.Contains(sizes, 1000) {
			return res.ns(model, name, 1000)
		}
		return res.ns(model, name, sizes[len(sizes)-1])
	}
	var names []string
	for _, name := range res.Engines {
		if at(name) > 0 && !engineNamed(name).forced() {
			names = append(names, name)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(at(a), at(b)) })
	return names
}

// line is the curve of an engine: ours red and thick, those with models of their own dashed.
func (res *results) line(model, name string) (*plotter.Line, *plotter.Scatter, error) {
	var points plotter.XYs
	for _, n := range res.sizes(model) {
		if ns := res.ns(model, name, n); ns > 0 {
			points = append(points, plotter.XY{X: float64(n), Y: 1e9 / ns})
		}
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return nil, nil, err
	}
	e := engineNamed(name)
	i := slices.Index(engines, e)
	line.Color, line.Width = palette[i%len(palette)], vg.Points(1.2)
	if e.Ours {
		line.Color, line.Width = color.RGBA{0xd5, 0x1e, 0x1e, 255}, vg.Points(2.5)
	}
	if e.Own || name == puregoName {
		line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	}
	shapes := []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}} // the next ones when colours come again
	dots.Color, dots.Radius, dots.Shape = line.Color, vg.Points(2.5), shapes[i/len(palette)%len(shapes)]
	return line, dots, nil
}
