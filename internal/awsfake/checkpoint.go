package awsfake

import (
	"cmp"
	"os"
	"path"
	"strings"
)

// checkpoints is where a training job keeps them: in a folder of its container, which the service copies to S3, and from there to the machine that comes next. ok is
// false if it keeps none.
func checkpoints(in doc) (folder, bucket, prefix string, ok bool) {
	config := sub(in, "CheckpointConfig")
	bucket, key, err := splitS3(str(config, "S3Uri"))
	return cmp.Or(str(config, "LocalPath"), "/opt/ml/checkpoints"), bucket, strings.TrimSuffix(key, "/") + "/", config != nil && err == nil
}

// restoreCheckpoints lays what the job kept before into the folder, and says to the container where that is.
func (s *Server) restoreCheckpoints(b *sandbox, in doc) error {
	folder, bucket, prefix, ok := checkpoints(in)
	if !ok {
		return nil
	}
	objects, err := s.list(bucket, prefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		body, err := s.getObject(bucket, o.key)
		if err == nil {
			err = b.write(path.Join(folder, strings.TrimPrefix(o.key, prefix)), body)
		}
		if err != nil {
			return err
		}
	}
	inside, err := b.path(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(inside, 0o755); err != nil {
		return err
	}
	return b.writeJSON("/opt/ml/input/config/checkpointconfig.json", doc{"LocalPath": inside})
}

// keepCheckpoints copies the folder to S3.
func (s *Server) keepCheckpoints(b *sandbox, in doc) error {
	folder, bucket, prefix, ok := checkpoints(in)
	if !ok {
		return nil
	}
	files, err := b.files(folder)
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(files) {
		if err := s.putObject(bucket, prefix+name, files[name]); err != nil {
			return err
		}
	}
	return nil
}
