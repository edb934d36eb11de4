package awsfake

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"

	"threatdetect/internal/lazyregexp"
)

//go:embed images.json
var imagesJSON []byte

type imageTable struct {
	Versions map[string]struct {
		Set, Repository, Tag string
		XGBoost              string
		ModelFile            string `json:"model_file"`
	}
	Accounts map[string]map[string]string
}

var images = sync.OnceValue(func() imageTable {
	var t imageTable
	if err := json.Unmarshal(imagesJSON, &t); err != nil {
		panic("awsfake: images.json: " + err.Error())
	}
	return t
})

var imageURI = lazyregexp.New(`^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.([a-z.]+)/([a-z0-9._/-]+)(?::([A-Za-z0-9_.-]+))?(?:@sha256:[0-9a-f]{64})?$`)

// image is what an image's address says.
type image struct {
	version string // of the built-in XGBoost; "" is an image of somebody's own
	own     bool
}

// parseImage judges an image as ECR would: it has to be in the region of the call, and one of AWS's own repositories has to
// be asked for in AWS's account of that region, by a tag that exists.
func parseImage(uri, region string) (image, *apiError) {
	m := imageURI.FindStringSubmatch(uri)
	if m == nil {
		return image{}, invalid("Invalid image URI %s. Please provide a valid Amazon Elastic Container Registry path of the Docker image to run.", uri)
	}
	account, at, repository, tag := m[1], m[2], m[4], m[5]
	if at != region {
		return image{}, invalid("The image %s is in region %s: want one in %s.", uri, at, region)
	}
	if repository != "xgboost" && repository != "sagemaker-xgboost" {
		return image{own: true}, nil
	}
	for version, v := range images().Versions {
		if v.Repository == repository && (v.Tag == tag || repository == "xgboost" && tag == "latest") {
			if want := images().Accounts[v.Set][region]; want != account {
				if account == Account {
					return image{own: true}, nil
				}
				return image{}, invalid("Cannot find repository: %s in registry ID: %s. Please check if your ECR image exists and role has proper pull permissions (the account of %s is %s).", repository, account, region, want)
			}
			return image{version: version}, nil
		}
	}
	return image{}, invalid("Cannot find image %s: repository %s has no tag %q.", uri, repository, strings.TrimSpace(tag))
}
