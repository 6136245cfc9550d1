{{- /* A pod of the pipeline's image that ends: (dict "root" . "component" "migrate" "args" (list ...) "volumes" true) */ -}}
{{- define "moodfeed.jobPod" -}}
{{- $root := .root }}
{{- include "moodfeed.refuseOverrides" (list $root "refresh" $root.Values.refresh.env dict) }}
metadata:
  {{- include "moodfeed.podMetadata" (list $root .component) | nindent 2 }}
spec:
  {{- include "moodfeed.podSettings" $root | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: {{ .component }}
      image: {{ include "moodfeed.image" (list $root $root.Values.refresh.image "pipeline") }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        {{- toYaml .args | nindent 8 }}
      securityContext:
        {{- include "moodfeed.containerSecurity" $root | nindent 8 }}
      env:
        {{- include "moodfeed.storeEnv" $root | trim | nindent 8 }}
        {{- include "moodfeed.env" $root.Values.refresh.env | trim | nindent 8 }}
      resources:
        {{- toYaml $root.Values.refresh.resources | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- include "moodfeed.storeMount" $root | trim | nindent 8 }}
        {{- if .volumes }}
        - { name: bundles, mountPath: /bundles }
        - { name: data, mountPath: /data }
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 1Gi }
    {{- include "moodfeed.storeVolume" $root | trim | nindent 4 }}
    {{- if .volumes }}
    - name: bundles
      persistentVolumeClaim: { claimName: {{ $root.Values.bundles.existingClaim | quote }} }
    - name: data
      persistentVolumeClaim: { claimName: {{ $root.Values.refresh.dataClaim | quote }} }
    {{- end }}
{{- end }}
