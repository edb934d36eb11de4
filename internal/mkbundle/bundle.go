package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"threatdetect/features"
	"threatdetect/inference"
	"threatdetect/inference/detect"
	"threatdetect/inference/evaluate"
	"threatdetect/model"
)

const set = "flow-portable/1"

// maker joins a trained model with a contract and a card.
type maker struct {
	model, out, card, cardText, golden string
	split, versions, created           string
	train, test                        []string
}

func (m *maker) run() error {
	artifact, err := os.ReadFile(m.model)
	if err != nil {
		return err
	}
	b, err := model.Open(m.model, nil)
	if err != nil {
		return err
	}
	contract, pipeline, err := m.newContract(b)
	if err != nil {
		return err
	}
	if err := m.addGolden(contract, b); err != nil {
		return err
	}
	text, err := contract.Canonical()
	if err != nil {
		return err
	}
	if _, err := features.ParseContract(text); err != nil {
		return err
	}
	card, err := m.makeCard(pipeline, b, contract.Threshold())
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.card, []byte(card), 0o644); err != nil {
		return err
	}
	f, err := os.Create(m.out)
	if err != nil {
		return err
	}
	err = model.WriteBundle(f, &model.Bundle{Booster: b, Artifact: artifact, ArtifactName: "xgboost-model", Contract: text, Card: []byte(card)})
	if err2 := f.Close(); err == nil {
		err = err2
	}
	return err
}

// newContract fills in what does not depend on golden records.
func (m *maker) newContract(b *model.Booster) (*features.Contract, *features.Pipeline, error) {
	created, err := time.Parse(time.RFC3339, m.created)
	if err != nil {
		return nil, nil, err
	}
	s, err := features.LookupSet(set)
	if err != nil {
		return nil, nil, err
	}
	c, err := features.NewContract(s, created)
	if err != nil {
		return nil, nil, err
	}
	c.Output.Objective, c.Output.BaseScore = b.Objective, b.BaseScore
	c.Output.Classes = []string{"benign", "attack"}
	c.Output.Thresholds = []features.Threshold{{Name: "even", Value: 0.5, Chosen: "the middle; not tuned on any data"}}
	pipeline, err := c.Pipeline()
	if err != nil {
		return nil, nil, err
	}
	var from, to int64
	for i, name := range m.train {
		rows, attack, first, last, err := labelledRows(pipeline, []string{name})
		if err != nil {
			return nil, nil, err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		sum := sha256.Sum256(text)
		c.Training.Files = append(c.Training.Files, features.TrainingFile{Name: filepath.Base(name), SHA256: hex.EncodeToString(sum[:]), Rows: int64(len(attack))})
		c.Training.Rows += int64(len(rows) / pipeline.NumColumn())
		if i == 0 {
			from, to = first, last
		}
		from, to = min(from, first), max(to, last)
	}
	c.Training.From, c.Training.To = rfc3339(from), rfc3339(to)
	c.Training.Split, c.Training.Model = m.split, b.Digest
	return c, pipeline, nil
}

func rfc3339(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339) }

// addGolden scores the records of the golden log and puts them into the contract.
func (m *maker) addGolden(c *features.Contract, b *model.Booster) error {
	f, err := os.Open(m.golden)
	if err != nil {
		return err
	}
	defer f.Close()
	for g, err := range detect.Golden(b, c, f) {
		if err != nil {
			return fmt.Errorf("%s: %w", m.golden, err)
		}
		c.Golden = append(c.Golden, g)
	}
	if len(c.Golden) < 20 {
		return fmt.Errorf("%s: %d golden records, at least 20 are wanted", m.golden, len(c.Golden))
	}
	return nil
}

// makeCard measures the model and puts the figures into the words of the card.
func (m *maker) makeCard(pipeline *features.Pipeline, b *model.Booster, threshold float32) (string, error) {
	words, err := os.ReadFile(m.cardText)
	if err != nil {
		return "", err
	}
	p, err := inference.New(b, nil)
	if err != nil {
		return "", err
	}
	trainRows, trainAttack, _, _, err := labelledRows(pipeline, m.train)
	if err != nil {
		return "", err
	}
	var figures strings.Builder
	fmt.Fprintf(&figures, "Trained by %s on %d records (%d attacks). Split: %s. Threshold %v.\n\n", m.versions, len(trainAttack), count(trainAttack), m.split, threshold)
	figures.WriteString("| held-out records | benign | attacks | accuracy | precision | recall | false positive rate | F1 | AUC | average precision | recall at FPR 1 % |\n")
	figures.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	var all []float32
	var attack []bool
	for _, name := range m.test {
		rows, labels, _, _, err := labelledRows(pipeline, []string{name})
		if err != nil {
			return "", err
		}
		all, attack = append(all, rows...), append(attack, labels...)
		if len(m.test) > 1 {
			if err := line(&figures, p, filepath.Base(name), rows, labels, nil, threshold); err != nil {
				return "", err
			}
		}
	}
	if err := line(&figures, p, "all", all, attack, nil, threshold); err != nil {
		return "", err
	}
	kept := evaluate.Distinct(all, p.NumFeature(), nil)
	if err := line(&figures, p, "without repeated rows", all, attack, kept, threshold); err != nil {
		return "", err
	}
	kept = evaluate.Distinct(all, p.NumFeature(), trainRows)
	if err := line(&figures, p, "also without rows seen in training", all, attack, kept, threshold); err != nil {
		return "", err
	}
	if !strings.Contains(string(words), "{{figures}}") {
		return "", fmt.Errorf("%s: no {{figures}}", m.cardText)
	}
	return strings.Replace(string(words), "{{figures}}", strings.TrimSpace(figures.String()), 1), nil
}

// line evaluates the rows whose indices are in kept, or all if it is nil, and writes a line of the table.
func line(w *strings.Builder, p *inference.Predictor, name string, rows []float32, attack []bool, kept []int, threshold float32) error {
	width := p.NumFeature()
	if kept == nil {
		for i := range attack {
			kept = append(kept, i)
		}
	}
	var chosen []float32
	var labels []bool
	for _, i := range kept {
		chosen, labels = append(chosen, rows[i*width:(i+1)*width]...), append(labels, attack[i])
	}
	scores := make([]float32, len(labels))
	if err := p.PredictBatch(scores, chosen); err != nil {
		return err
	}
	r, err := evaluate.Binary(scores, labels, threshold)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| %s | %d | %d |", name, r.Benign, r.Attacks)
	for _, v := range []evaluate.Number{r.Accuracy, r.Precision, r.Recall, r.FalsePositiveRate, r.F1, r.AUC, r.AP, r.RecallAt[0].Recall} {
		if !v.Known() {
			w.WriteString(" – |")
		} else {
			fmt.Fprintf(w, " %.4f |", v)
		}
	}
	w.WriteString("\n")
	return nil
}

func count(list []bool) (n int) {
	for _, v := range list {
		if v {
			n++
		}
	}
	return n
}
