package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// objectiveSince are the objectives that not all releases from 1.3 on know.
var objectiveSince = map[string]Version{
	"reg:absoluteerror":  {1, 7, 0},
	"reg:quantileerror":  {2, 0, 0},
	"reg:expectileerror": {3, 3, 0},
}

// paramBlock is an object with the parameters of objectives, as releases from first to last have it; the zero Version is no bound.
type paramBlock struct {
	name        string
	objectives  []string // names, or beginnings of names that end in ':'
	first, last Version
}

var paramBlocks = []paramBlock{
	{"reg_loss_param", []string{"reg:squarederror", "reg:logistic", "binary:logistic", "binary:logitraw"}, Version{}, Version{}},
	{"reg_loss_param", []string{"reg:squaredlogerror"}, Version{}, Version{2, 1}},
	{"reg_loss_param", []string{"reg:gamma"}, Version{2, 1}, Version{}},
	{"reg_loss_param", []string{"reg:pseudohubererror"}, Version{}, Version{1, 5}},
	{"pseduo_huber_param", []string{"reg:pseudohubererror"}, Version{1, 6}, Version{1, 6}}, // spelt so in that release
	{"pseudo_huber_param", []string{"reg:pseudohubererror"}, Version{1, 7}, Version{}},
	{"poisson_regression_param", []string{poisson}, Version{}, Version{}},
	{"tweedie_regression_param", []string{"reg:tweedie"}, Version{}, Version{}},
	{"softmax_multiclass_param", []string{multiClass}, Version{}, Version{}},
	{"aft_loss_param", []string{"survival:aft"}, Version{}, Version{}},
	{"lambda_rank_param", []string{"rank:"}, Version{}, Version{1, 7}},
	{"lambdarank_param", []string{"rank:"}, Version{2, 0}, Version{}},
	{"quantile_loss_param", []string{"reg:quantileerror"}, Version{}, Version{}},
	{"expectile_loss_param", []string{"reg:expectileerror"}, Version{}, Version{}},
}

func (p *paramBlock) applies(objective string, first, last Version) bool {
	if p.first.Known() && last.Before(p.first[0], p.first[1]) || p.last.Known() && p.last.Before(first[0], first[1]) {
		return false
	}
	return slices.ContainsFunc(p.objectives, func(name string) bool {
		return name == objective || strings.HasSuffix(name, ":") && strings.HasPrefix(objective, name)
	})
}

// objective writes the name and the blocks of parameters that the releases look for. A parameter that the booster does not have is left out,
// as all releases take their default for it; the block itself has to be there.
func (p *SavePlan) objective(s sink) {
	b := p.booster
	params := maps.Clone(b.Params)
	blocks := map[string][]string{}
	for i := range paramBlocks {
		if block := &paramBlocks[i]; block.applies(b.Objective, p.First, p.Last) {
			blocks[block.name] = nil
		}
	}
	if _, ok := blocks["softmax_multiclass_param"]; ok && params["num_class"] == "" { // the one that has no default
		if params == nil {
			params = map[string]string{}
		}
		params["num_class"] = strconv.Itoa(b.NumClass)
	}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if name := blockOf(key, blocks); name != "" {
			blocks[name] = append(blocks[name], key)
		}
	}
	_, ranking := blocks["lambdarank_param"]
	s.object()
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		if name < "name" {
			writeBlock(s, name, params, blocks[name])
		}
	}
	s.key("name")
	s.text(b.Objective)
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		if name > "name" {
			writeBlock(s, name, params, blocks[name])
		}
	}
	if ranking && params["lambdarank_unbiased"] == "1" {
		for _, key := range []string{"ti+", "tj-"} { // what training has learned of positions, which only more training needs
			s.key(key)
			s.float32s(nil)
		}
	}
	s.endObject()
}

// blockOf chooses the block for a parameter: ranking has an old and a new one.
func blockOf(key string, blocks map[string][]string) string {
	_, older := blocks["lambda_rank_param"]
	_, newer := blocks["lambdarank_param"]
	switch isOld := key == "num_pairsample" || key == "fix_list_weight"; {
	case older && isOld:
		return "lambda_rank_param"
	case newer && !isOld:
		return "lambdarank_param"
	case older || newer:
		return ""
	}
	names := slices.Sorted(maps.Keys(blocks))
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

func writeBlock(s sink, name string, params map[string]string, keys []string) {
	s.key(name)
	s.object()
	for _, key := range keys {
		s.key(key)
		s.text(params[key])
	}
	s.endObject()
}
