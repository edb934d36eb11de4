package train

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"threatdetect/features"
	"threatdetect/model"
)

// BundleOptions say how a bundle is made of a version. Nil is a bundle without signature.
type BundleOptions struct {
	Keys []ed25519.PrivateKey // that sign it
	// Verify looks at the bundle before anybody gets it; an error refuses it. Nil: the model and the contract are read, and that the contract is for the set of the
	// version is checked, but not that they score as they should, which package detect knows.
	Verify func(*model.Bundle) error
}

// Bundle fetches a version and makes a bundle of it, the same bytes each time. An artifact that is a bundle already stays as it is.
func (a *AWS) Bundle(ctx context.Context, m *ModelVersion, o *BundleOptions) ([]byte, error) {
	if o == nil {
		o = &BundleOptions{}
	}
	if m.Status != "Completed" || m.Artifact == "" {
		return nil, fmt.Errorf("%w: version %d is %s, and has the artifact %q", ErrInput, m.Version, m.Status, clip(m.Artifact))
	}
	data, err := a.fetchObject(ctx, m.Artifact, m.ETag, maxArtifact)
	if err != nil {
		return nil, err
	}
	b, err := model.LoadBundle(bytes.NewReader(data), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Artifact, err)
	}
	whole := b.Contract != nil && len(o.Keys) == 0
	if b.Contract == nil && m.Contract != "" {
		if b.Contract, err = a.fetchObject(ctx, m.Contract, "", maxContract); err != nil {
			return nil, err
		}
	}
	if err := checkContract(b, m); err != nil {
		return nil, err
	}
	if o.Verify != nil {
		if err := o.Verify(b); err != nil {
			return nil, fmt.Errorf("version %d: %w", m.Version, err)
		}
	}
	if whole {
		return data, nil
	}
	b.Version = int64(m.Version)
	var out bytes.Buffer
	if len(o.Keys) > 0 {
		err = model.WriteSignedBundle(&out, b, o.Keys...)
	} else {
		err = model.WriteBundle(&out, b)
	}
	return out.Bytes(), err
}

const maxContract = 64 << 20 // bytes

// checkContract looks whether the contract is one, and for the set that the version is registered with.
func checkContract(b *model.Bundle, m *ModelVersion) error {
	if b.Contract == nil {
		return nil
	}
	c, err := features.ParseContract(b.Contract)
	if err != nil {
		return fmt.Errorf("version %d: contract: %w", m.Version, err)
	}
	if m.Set != "" && c.Set != m.Set {
		return fmt.Errorf("%w: version %d is registered for the set %s, its contract is for %s", ErrIntegrity, m.Version, m.Set, c.Set)
	}
	if n := b.Booster.NumFeature; n != len(c.Columns) {
		return fmt.Errorf("%w: version %d takes %d columns, its contract makes %d", ErrIntegrity, m.Version, n, len(c.Columns))
	}
	return nil
}

// Pointer is the object that says which bundle is the newest approved one. Whoever follows it needs the right to read two objects, and no registry.
type Pointer struct {
	Version    int       `json:"version"`
	Key        string    `json:"s3Key"`               // of the bundle, in the same bucket
	VersionID  string    `json:"versionId,omitempty"` // of the object, if the bucket keeps versions
	SHA256     string    `json:"sha256"`
	Size       int64     `json:"size"`
	Set        string    `json:"featureSet,omitempty"`
	SetSHA256  string    `json:"featureSchemaSha256,omitempty"` // of the contract
	Objective  string    `json:"objective"`
	Threshold  *float32  `json:"threshold"` // null if the contract has none
	CreatedAt  time.Time `json:"createdAt"` // of the version
	ApprovedAt time.Time `json:"approvedAt"`
}

// PointerKey is the key of the pointer of the stack.
func (s *Stack) PointerKey() string { return s.Prefixes.Approved + "current.json" }

// Publish makes the pointer point to the highest approved version, whose bundle it uploads before. Without an approved version the pointer is removed, and
// nil returned.
func (a *AWS) Publish(ctx context.Context, o *BundleOptions) (*Pointer, error) {
	m, err := a.NewestApproved(ctx)
	if err != nil {
		return nil, err
	}
	if m == nil {
		_, err := a.S3().DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &a.stack.Bucket, Key: aws.String(a.stack.PointerKey())})
		if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return nil, err
	}
	data, err := a.Bundle(ctx, m, o)
	if err != nil {
		return nil, err
	}
	p, err := a.pointer(m, data)
	if err != nil {
		return nil, err
	}
	put, err := a.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &a.stack.Bucket, Key: &p.Key, Body: bytes.NewReader(data), ContentType: aws.String("application/gzip")})
	if err != nil {
		return nil, err
	}
	p.VersionID = aws.ToString(put.VersionId)
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, err
	}
	_, err = a.S3().PutObject(ctx, &s3.PutObjectInput{Bucket: &a.stack.Bucket, Key: aws.String(a.stack.PointerKey()), Body: bytes.NewReader(append(text, '\n')),
		ContentType: aws.String("application/json")})
	return p, err
}

func (a *AWS) pointer(m *ModelVersion, data []byte) (*Pointer, error) {
	b, err := model.LoadBundle(bytes.NewReader(data), nil)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	p := &Pointer{Version: m.Version, Key: fmt.Sprintf("%s%d-%s.tar.gz", a.stack.Prefixes.Approved, m.Version, digest[:12]), SHA256: digest, Size: int64(len(data)),
		Objective: b.Booster.Objective, CreatedAt: m.Created.UTC(), ApprovedAt: a.clock.Now().UTC().Truncate(time.Second)}
	if b.Contract == nil {
		return p, nil
	}
	c, err := features.ParseContract(b.Contract)
	if err != nil {
		return nil, err
	}
	sum = sha256.Sum256(b.Contract)
	p.Set, p.SetSHA256 = c.Set, hex.EncodeToString(sum[:])
	if len(c.Output.Thresholds) > 0 {
		p.Threshold = &c.Output.Thresholds[0].Value
	}
	return p, nil
}
