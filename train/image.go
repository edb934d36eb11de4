package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	_ "embed"

	"threatdetect/model"
)

//go:embed images.json
var imagesJSON []byte

// outdatedVersion is the version that the alias latest means: the oldest.
const outdatedVersion = "1"

// Image is one version of SageMaker's built-in XGBoost.
type ImageVersion struct {
	Version    string       // as in its tag: 1.7-1
	XGBoost    [3]int       // the release in it
	Artifact   model.Format // what its built-in mode writes
	repository string
	tag        string
	arm64      string
	accounts   map[string]string // by region
}

type imageTable struct {
	Versions map[string]struct {
		Set        string   `json:"set"`
		Repository string   `json:"repository"`
		Tag        string   `json:"tag"`
		Aliases    []string `json:"aliases"`
		ARM64      string   `json:"arm64"`
		XGBoost    string   `json:"xgboost"`
		ModelFile  string   `json:"model_file"`
	} `json:"versions"`
	Accounts map[string]map[string]string `json:"accounts"`
	Suffixes map[string]string            `json:"dns_suffix"`
}

var images = sync.OnceValue(func() *imageTable {
	var t imageTable
	if err := json.Unmarshal(imagesJSON, &t); err != nil {
		panic("train: images.json: " + err.Error()) // it is embedded, and a test reads it
	}
	return &t
})

// ErrImage says that there is no such version, or none in a region.
var ErrImage = errors.New("no such image")

// ImageVersions lists the versions of the built-in XGBoost, oldest first.
func ImageVersions() []string {
	versions := slices.Collect(maps.Keys(images().Versions))
	slices.SortFunc(versions, compareVersions)
	return versions
}

// compareVersions puts versions in the order in which they came.
func compareVersions(a, b string) int { return slices.Compare(age(a), age(b)) }

// age is what versions are compared by. The oldest is not named after the release in it, which is 0.72.
func age(version string) []int {
	if version == outdatedVersion {
		return []int{0, 72}
	}
	return numbers(version)
}

// numbers are the numbers in a version, so that versions sort.
func numbers(version string) []int {
	var list []int
	for part := range strings.FieldsFuncSeq(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n := 0
		fmt.Sscan(part, &n)
		list = append(list, n)
	}
	return list
}

// LookupImage finds a version of the built-in XGBoost, such as 1.7-1.
func LookupImage(version string) (*ImageVersion, error) {
	t := images()
	for name, v := range t.Versions {
		if name != version && !slices.Contains(v.Aliases, version) {
			continue
		}
		image := &ImageVersion{Version: name, Artifact: model.Format(v.ModelFile), repository: v.Repository, tag: v.Tag, arm64: v.ARM64, accounts: t.Accounts[v.Set]}
		copy(image.XGBoost[:], numbers(v.XGBoost))
		return image, nil
	}
	return nil, fmt.Errorf("%w: built-in XGBoost %q; there are %s", ErrImage, clip(version), strings.Join(ImageVersions(), " "))
}

// URI is where the image lies for a region.
func (v *ImageVersion) URI(region string) (string, error) { return v.uri(region, v.tag) }

// ARM64 is the URI of the image for Graviton machines, which can serve and cannot train.
func (v *ImageVersion) ARM64(region string) (string, error) {
	if v.arm64 == "" {
		return "", fmt.Errorf("%w: built-in XGBoost %s for arm64; there are 1.3-1 and 1.5-1", ErrImage, v.Version)
	}
	return v.uri(region, v.arm64)
}

func (v *ImageVersion) uri(region, tag string) (string, error) {
	account, ok := v.accounts[region]
	if !ok {
		return "", fmt.Errorf("%w: built-in XGBoost %s in region %q; set image.uri, or take one of %s", ErrImage, v.Version, clip(region),
			strings.Join(slices.Sorted(maps.Keys(v.accounts)), " "))
	}
	return fmt.Sprintf("%s.dkr.ecr.%s.%s/%s:%s", account, region, dnsSuffix(region), v.repository, tag), nil
}

// dnsSuffix is what follows the region in names of hosts.
func dnsSuffix(region string) string {
	suffix, longest := images().Suffixes["default"], 0
	for prefix, s := range images().Suffixes {
		if len(prefix) > longest && prefix != "default" && strings.HasPrefix(region, prefix) {
			suffix, longest = s, len(prefix)
		}
	}
	return suffix
}

// ImageURI is the training image of the stack: its own, or that of the table.
func (s *Stack) ImageURI() (string, error) {
	if s.Image.URI != "" {
		return s.Image.URI, nil
	}
	v, err := LookupImage(s.Image.Version)
	if err != nil {
		return "", err
	}
	return v.URI(s.Region)
}
